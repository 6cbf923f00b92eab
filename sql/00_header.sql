\echo Use "CREATE EXTENSION phiguard" to load this file. \quit

