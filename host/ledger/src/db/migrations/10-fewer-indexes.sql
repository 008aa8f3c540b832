-- Asked for only when a connection is removed, and written with every step of every
-- adjustment: the few open ones are found by `one_open_intent` as well.
DROP INDEX intents_by_connection;
