"""Sources: web pages, web sites and folders on the server that documents are taken from, again and again."""
