/*
 * zone.h
 *		Time zones that are named, and mean the same to everybody.
 *
 * The server looks a name up among abbreviations first: those of timezone_abbreviations, and before them, since 18,
 * those of the session's own TimeZone, which may be '<UTC>-24'.  So what a policy or an extract names is the user's to
 * say, although the functions that take it are immutable.  A constant of fixed offset becomes that offset before it
 * is run; others have to be names that are no abbreviations.
 */
#ifndef PHIG_POLICY_ZONE_H
#define PHIG_POLICY_ZONE_H

#include "postgres.h"

#include "nodes/primnodes.h"

/*
 * phig_zone_is_said
 *		Is it AT TIME ZONE, by what means the same to everybody?
 */
extern bool phig_zone_is_said(Node *node);

/* Does a function of the server that is immutable go by the session's time zone, or by one that is named? */
extern bool phig_zone_is_asked_for(Oid funcid);

/*
 * phig_zone_fix
 *		In an expression or a query, let each AT TIME ZONE of fixed offset say that, in place.
 */
extern bool phig_zone_fix(Node *node, void *unused);

#endif
