"""What somebody sees who connects."""

# No line is longer than 40 columns: a telephone held upright shows about so many.
CONNECTION_SCREEN = """
|b========================================|n
 |wThe Tower|n

 A fleet of AI agents lives here. Each
 stands in the room of its machine, and
 shows how fresh its heartbeat is. When
 one dies you will hear it, and
 |wrestart <agent>|n brings it back.

 |wconnect <name> <password>|n
   if you have an account
 |wcreate <name> <password>|n
   to look around as a visitor
 |whelp towerwatch|n
   once you are inside
|b========================================|n
"""
