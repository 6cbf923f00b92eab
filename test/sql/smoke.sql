-- The extension as a whole: it can be created, and every object keeps the house rules.
CREATE EXTENSION phiguard;
SELECT extname, extversion, nspname AS schema, extrelocatable AS relocatable
  FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'phiguard';

-- Everything it made is in its schema, and has a comment.
CREATE TEMP VIEW member AS
SELECT d.classid, d.objid, i.type, i.schema, i.identity
  FROM pg_depend d, pg_identify_object(d.classid, d.objid, 0) i
 WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
   AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'phiguard');
SELECT type, identity FROM member WHERE schema IS DISTINCT FROM 'phiguard' AND type NOT IN ('schema', 'cast', 'event trigger', 'foreign-data wrapper', 'server')
 ORDER BY type COLLATE "C", identity COLLATE "C";
SELECT type, identity FROM member
 WHERE obj_description(objid, classid::regclass::name) IS NULL AND type NOT IN ('schema', 'composite type')
   AND NOT (type = 'type' AND (SELECT typrelid <> 0 OR typelem <> 0 FROM pg_type t WHERE t.oid = objid))
 ORDER BY type COLLATE "C", identity COLLATE "C";

-- What PUBLIC may do: types are for all, functions and relations only where listed here.
SELECT identity FROM member JOIN pg_proc p ON classid = 'pg_proc'::regclass AND p.oid = objid
 WHERE has_function_privilege('public', p.oid, 'EXECUTE') ORDER BY identity COLLATE "C";
SELECT identity FROM member JOIN pg_class c ON classid = 'pg_class'::regclass AND c.oid = objid
 WHERE has_table_privilege('public', c.oid, 'SELECT, INSERT, UPDATE, DELETE') ORDER BY identity COLLATE "C";
SELECT has_schema_privilege('public', 'phiguard', 'CREATE') AS public_creates,
       has_schema_privilege('public', 'phiguard', 'USAGE') AS public_uses;

-- What is not C says where it looks for names.
SELECT identity FROM member JOIN pg_proc p ON classid = 'pg_proc'::regclass AND p.oid = objid
  JOIN pg_language l ON l.oid = prolang
 WHERE lanname <> 'c' AND prokind <> 'a' AND NOT EXISTS (SELECT FROM unnest(proconfig) c WHERE c LIKE 'search_path=%') AND prosqlbody IS NULL
 ORDER BY identity COLLATE "C";

-- It can be taken out and put back; the empty schema stays, as PostgreSQL has it.
DROP EXTENSION phiguard;
SELECT classid::regclass, objid FROM pg_depend WHERE refclassid = 'pg_namespace'::regclass AND refobjid = 'phiguard'::regnamespace;
SELECT classoid::regclass, label FROM pg_seclabel WHERE provider = 'phiguard';
CREATE EXTENSION phiguard;
