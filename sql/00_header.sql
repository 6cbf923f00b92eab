\echo Use "CREATE EXTENSION phiguard" to load this file. \quit

-- Refuse here, before anything is created, where the library was not preloaded.
LOAD 'MODULE_PATHNAME';

