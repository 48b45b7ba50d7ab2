"""Who may do what: signed claims, tickets, logins.  Decisions only; the clock is an argument."""
