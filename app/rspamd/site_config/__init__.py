"""What a node's Rspamd needs in its local.d to work with Mailkeep: a list of maps and a few words in, texts out."""
