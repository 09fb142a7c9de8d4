"""Training on a machine of the Hub: what is sent there, what runs there, how it is followed."""
