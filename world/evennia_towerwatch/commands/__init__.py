"""The commands of the plugin, made from what operations.json declares."""
