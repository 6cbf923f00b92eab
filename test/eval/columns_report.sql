-- The section of docs/detection-quality.md on columns.
SELECT $$
## Columns

`phiguard.scan_schema()` over schemas without any label, held against what a person wrote down of each column (`test/eval/columns_gold.csv`): an identifier of 45 CFR 164.514(b)(2)(i) with its category, none, or *ambiguous* (row
keys of events, numbers and addresses of providers and facilities), which counts as neither. *Found*: suspected of some identifier. *False alarms*: suspected of one, and none; `note`, `clinical` and `quasi` are no identifiers.

- `synthea`: 18 tables as the generator writes them; `mimic`: the MIMIC-III demo; `omop`: OMOP CDM 5.4, without rows, so that names, types and foreign keys alone speak; `uci`: the diabetes set.
- `clarity`, `fhir`, `claims` (`test/eval/columns_heldout.sql`) were written after the rules. At first sight 89 of their 91 identifiers were found, 3 of 83 other columns were false alarms.
- `names` (`test/eval/columns_names.sql`): 32 tables in the manner of i2b2, PCORnet, eICU, MIMIC-IV, OpenMRS, hospital, claims, pharmacy and device systems, and some that are about nobody; without rows and comments, so that names and types
  alone speak. Written after that; at first sight 124 of the 145 identifiers were found, without a false alarm (what columns are was written down with the result in sight). What was missed were abbreviations and words written together that the vocabulary had not.

General words and rules were added for what these four had shown, so that their numbers below are no longer those of held-out sets: for names that nobody has seen, expect what the first sight says. Values, where there are some, find more.

| schema | columns | identifiers | found | category right | notes | found | others | false alarms |
|---|---|---|---|---|---|---|---|---|$$;
SELECT format('| %s | %s | %s | %s | %s | %s | %s | %s | %s (%s %%) |', schema, columns, identifiers, found, right_category, notes, notes_found, others, alarms,
              round(100.0 * alarms / others, 1))
  FROM column_summary ORDER BY schema;
SELECT format('| **all** | %s | %s | %s | %s | %s | %s | %s | %s (%s %%) |', sum(columns), sum(identifiers), sum(found), sum(right_category), sum(notes), sum(notes_found), sum(others), sum(alarms),
              round(100.0 * sum(alarms) / sum(others), 1))
  FROM column_summary;
SELECT E'\nMissed: ' || coalesce(string_agg(format('%s.%s.%s (%s)', schema, relation, column_name, gold), ', ' ORDER BY schema, relation, column_name), 'none') || '.'
  FROM column_score WHERE is_identifier AND NOT suspected;
SELECT E'\nFalse alarms: ' || coalesce(string_agg(format('%s.%s.%s (%s)', schema, relation, column_name, found), ', ' ORDER BY schema, relation, column_name), 'none') || '.'
  FROM column_score WHERE gold IN ('none', 'note') AND suspected;
