"""From files and folders to blocks, lines and entries, whatever is in them or becomes of them."""
