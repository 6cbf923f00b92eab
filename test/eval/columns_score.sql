-- How suspects compare with what the columns are.  gold(schema, relation, column_name, category) is loaded; a column that is not in it is no identifier.
CREATE TABLE column_score AS
SELECT d.schema, d.relation, d.column_name, coalesce(g.category, 'none') AS gold, coalesce(s.category, 'none') AS found, s.confidence, s.evidence,
       g.category NOT IN ('ambiguous', 'note') IS TRUE AS is_identifier,
       s.category NOT IN ('note', 'clinical', 'quasi', 'token', 'none') IS TRUE AS suspected
  FROM phiguard.data_dictionary d
  LEFT JOIN gold g USING (schema, relation, column_name)
  LEFT JOIN phiguard.suspects s USING (schema, relation, column_name)
 WHERE d.schema IN (SELECT DISTINCT schema FROM gold);
CREATE VIEW column_summary AS
SELECT schema, count(*) AS columns, count(*) FILTER (WHERE is_identifier) AS identifiers, count(*) FILTER (WHERE is_identifier AND suspected) AS found,
       count(*) FILTER (WHERE is_identifier AND suspected AND gold = found OR (gold, found) = ('mrn', 'other')) AS right_category,
       count(*) FILTER (WHERE gold = 'note') AS notes, count(*) FILTER (WHERE gold = 'note' AND found <> 'none') AS notes_found,
       count(*) FILTER (WHERE gold IN ('none', 'note')) AS others, count(*) FILTER (WHERE gold IN ('none', 'note') AND suspected) AS alarms
  FROM column_score GROUP BY schema;
