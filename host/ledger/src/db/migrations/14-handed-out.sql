-- Adjustments are marked as sending some time before their requests leave, many to a
-- transaction; an attempt counts when its request is handed out. `marked_in` is the boot of
-- the machine in which an intent was marked, null once it was handed out: that record is not
-- synced, so after another boot what is marked counts as handed out. Intents of earlier
-- releases counted as sent when they were marked.
ALTER TABLE intents ADD COLUMN marked_in TEXT;
-- How the PSA refused it, where it did: the kind of a rejection, or 'rate-limited'.
ALTER TABLE intents ADD COLUMN refusal TEXT;
-- When a person took back that its rejection counts.
ALTER TABLE intents ADD COLUMN lifted_at INTEGER;

-- What people changed of that which plans stand on, in order: looked at when a request is
-- handed out. Null: it is not about one of them, so it concerns all.
CREATE TABLE decision_changes (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    -- As it stands in a message: "mapping".
    what       TEXT NOT NULL,
    connection INTEGER,
    workspace  TEXT,
    module     TEXT,
    tenant     TEXT,
    line       TEXT
) STRICT;

CREATE TRIGGER account_mapped AFTER INSERT ON account_map
BEGIN
    INSERT INTO decision_changes (what, connection, workspace)
    VALUES ('mapping', NEW.connection, NEW.workspace);
END;
CREATE TRIGGER account_remapped AFTER UPDATE OF account ON account_map
WHEN OLD.account IS NOT NEW.account
BEGIN
    INSERT INTO decision_changes (what, connection, workspace)
    VALUES ('mapping', NEW.connection, NEW.workspace);
END;
CREATE TRIGGER account_unmapped AFTER DELETE ON account_map
BEGIN
    INSERT INTO decision_changes (what, connection, workspace)
    VALUES ('mapping', OLD.connection, OLD.workspace);
END;
CREATE TRIGGER service_mapped AFTER INSERT ON service_map
BEGIN
    INSERT INTO decision_changes (what, connection, module)
    VALUES ('mapping', NEW.connection, NEW.module);
END;
CREATE TRIGGER service_remapped AFTER UPDATE OF service, metric ON service_map
WHEN OLD.service IS NOT NEW.service OR OLD.metric IS NOT NEW.metric
BEGIN
    INSERT INTO decision_changes (what, connection, module)
    VALUES ('mapping', NEW.connection, NEW.module);
END;
CREATE TRIGGER service_unmapped AFTER DELETE ON service_map
BEGIN
    INSERT INTO decision_changes (what, connection, module)
    VALUES ('mapping', OLD.connection, OLD.module);
END;
CREATE TRIGGER contract_pinned AFTER INSERT ON contract_pins
BEGIN
    INSERT INTO decision_changes (what, connection, workspace)
    VALUES ('chosen contract', NEW.connection, NEW.workspace);
END;
CREATE TRIGGER contract_repinned AFTER UPDATE OF contract ON contract_pins
WHEN OLD.contract IS NOT NEW.contract
BEGIN
    INSERT INTO decision_changes (what, connection, workspace)
    VALUES ('chosen contract', NEW.connection, NEW.workspace);
END;
CREATE TRIGGER contract_unpinned AFTER DELETE ON contract_pins
BEGIN
    INSERT INTO decision_changes (what, connection, workspace)
    VALUES ('chosen contract', OLD.connection, OLD.workspace);
END;
CREATE TRIGGER bundle_declared AFTER INSERT ON bundles
BEGIN
    INSERT INTO decision_changes (what, connection) VALUES ('bundle', NEW.connection);
END;
CREATE TRIGGER bundle_undeclared AFTER DELETE ON bundles
BEGIN
    INSERT INTO decision_changes (what, connection) VALUES ('bundle', OLD.connection);
END;
CREATE TRIGGER rules_set AFTER INSERT ON rules
BEGIN
    INSERT INTO decision_changes (what, connection) VALUES ('rules', NEW.connection);
END;
CREATE TRIGGER rules_changed AFTER UPDATE OF rules ON rules
WHEN OLD.rules IS NOT NEW.rules
BEGIN
    INSERT INTO decision_changes (what, connection) VALUES ('rules', NEW.connection);
END;
CREATE TRIGGER rules_removed AFTER DELETE ON rules
BEGIN
    INSERT INTO decision_changes (what, connection) VALUES ('rules', OLD.connection);
END;
CREATE TRIGGER connection_paused AFTER UPDATE OF paused ON connections
WHEN NEW.paused = 1 AND OLD.paused = 0
BEGIN
    INSERT INTO decision_changes (what, connection) VALUES ('pause', NEW.id);
END;
CREATE TRIGGER set_aside AFTER INSERT ON set_asides
BEGIN
    INSERT INTO decision_changes (what, connection, workspace, module)
    VALUES ('set-aside', NEW.connection, NEW.workspace, NEW.module);
END;
CREATE TRIGGER count_policy_set AFTER INSERT ON count_policies
BEGIN
    INSERT INTO decision_changes (what, connection, module)
    VALUES ('count policy', NEW.connection, NEW.module);
END;
CREATE TRIGGER count_policy_changed AFTER UPDATE OF policy ON count_policies
WHEN OLD.policy IS NOT NEW.policy
BEGIN
    INSERT INTO decision_changes (what, connection, module)
    VALUES ('count policy', NEW.connection, NEW.module);
END;
CREATE TRIGGER count_policy_removed AFTER DELETE ON count_policies
BEGIN
    INSERT INTO decision_changes (what, connection, module)
    VALUES ('count policy', OLD.connection, OLD.module);
END;
CREATE TRIGGER count_excluded AFTER INSERT ON count_exclusions
BEGIN
    INSERT INTO decision_changes (what, connection, workspace, module)
    VALUES ('count exclusion', NEW.connection, NEW.workspace, NEW.module);
END;
CREATE TRIGGER count_exclusion_ended AFTER UPDATE OF removed_at ON count_exclusions
WHEN OLD.removed_at IS NOT NEW.removed_at
BEGIN
    INSERT INTO decision_changes (what, connection, workspace, module)
    VALUES ('count exclusion', NEW.connection, NEW.workspace, NEW.module);
END;
CREATE TRIGGER line_decided AFTER INSERT ON stances
BEGIN
    INSERT INTO decision_changes (what, tenant, line)
    VALUES ('decision about the line', NEW.tenant, NEW.line);
END;
CREATE TRIGGER line_released AFTER DELETE ON stances
BEGIN
    INSERT INTO decision_changes (what, tenant, line)
    VALUES ('decision about the line', OLD.tenant, OLD.line);
END;
-- A run itself asks, and closes what it posted: only what takes an approval back counts.
CREATE TRIGGER approval_taken_back AFTER UPDATE OF state ON questions
WHEN NEW.state = 'rejected'
    OR (OLD.state = 'granted' AND NEW.state NOT IN ('granted', 'posted'))
BEGIN
    INSERT INTO decision_changes (what, tenant, line)
    VALUES ('approval', NEW.tenant, NEW.line);
END;
CREATE TRIGGER snapshot_withdrawn AFTER UPDATE OF withdrawn_at ON snapshots
WHEN OLD.withdrawn_at IS NULL AND NEW.withdrawn_at IS NOT NULL
BEGIN
    INSERT INTO decision_changes (what, connection)
    SELECT 'snapshot', id FROM connections WHERE channel = NEW.channel;
END;
