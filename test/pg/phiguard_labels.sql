-- Labels on every column of every table so far.  Prints nothing: what is expected is this text.
DO $$
DECLARE
	labelled bigint;
BEGIN
	SELECT count(phiguard.label(c.oid::regclass, a.attname, 'other')) INTO labelled
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
	WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped;
	ASSERT labelled > 50;
END $$;
