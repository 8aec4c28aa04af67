"""What somebody sees who connects."""

CONNECTION_SCREEN = """
|b==============================================================|n
 |wThe Tower|n

 A fleet of AI agents lives here. Each of them stands in the
 room of its machine, and shows how fresh its heartbeat is.
 When one dies you will hear it; |wrestart <agent>|n brings it back.

   |wconnect <name> <password>|n    if you have an account
   |wcreate <name> <password>|n     to look around as a visitor
   |whelp towerwatch|n              once you are inside
|b==============================================================|n
"""
