-- Claims that change with every transaction make no plan anew.
CREATE EXTENSION phiguard;
CREATE TABLE plain (id int PRIMARY KEY, what text);
CREATE TABLE patient (id int PRIMARY KEY, ssn text);
SELECT phiguard.label('patient', 'ssn', 'ssn');
-- The planner folds this: it speaks once for each plan that is made.
CREATE FUNCTION planned(what text) RETURNS int LANGUAGE plpgsql IMMUTABLE
AS $$ BEGIN RAISE NOTICE '% is planned', what; RETURN 1; END $$;
SET plan_cache_mode = force_generic_plan;
PREPARE unlabelled AS SELECT what, planned('unlabelled') FROM plain WHERE id = $1;
PREPARE labelled AS SELECT ssn, planned('labelled') FROM patient WHERE id = $1;
EXECUTE unlabelled(1);
EXECUTE labelled(1);

BEGIN;
SET LOCAL phiguard.app_user = 'one';
SET LOCAL phiguard.purpose = 'care';
EXECUTE unlabelled(1);
EXECUTE labelled(1);
COMMIT;
BEGIN;
SELECT phiguard.begin_access('research', app_user => 'two', justification => 'ticket');
EXECUTE unlabelled(1);
EXECUTE labelled(1);
COMMIT;

-- Control: what changes the relation does, a label among it.
ALTER TABLE plain ADD COLUMN more int;
EXECUTE unlabelled(1);
SELECT phiguard.label('patient', 'id', 'mrn');
EXECUTE labelled(1);

DEALLOCATE ALL;
DROP FUNCTION planned;
DROP TABLE plain, patient;
DROP EXTENSION phiguard;
