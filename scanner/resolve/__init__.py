"""From a domain to the exchanges that take its mail, over DNS."""
