# What an extension cannot close, by the reader; docs/limits.md says what to do instead. Here each attempt has to succeed: whichever does
# not any more goes to reader.sql.

--- rows of a table, as the planner counts them
+ limit sizes and counts in the catalog
SELECT reltuples FROM pg_class WHERE oid = 'patient'::regclass;
--- rows of a table, as statistics count them
+ limit sizes and counts in the catalog
SELECT n_tup_ins FROM pg_stat_all_tables WHERE relid = 'patient'::regclass;
--- a constant in a default
+ limit texts in the catalog
SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'texts'::regclass;
--- a constant in a check
+ limit texts in the catalog
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'texts'::regclass;
--- a constant in a view
+ limit texts in the catalog
SELECT pg_get_viewdef('texts_view');
--- a constant in a partition's bounds
+ limit texts in the catalog
SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = 'by_ward_1';
--- a comment
+ limit texts in the catalog
SELECT obj_description('texts'::regclass);
--- the last number of a sequence
+ limit sizes and counts in the catalog
SELECT last_value FROM number_of_patients;
