/*
 * session.h
 *		The definition of this backend's session, as records refer to it.
 */
#ifndef PHIG_SESSION_H
#define PHIG_SESSION_H

#include "postgres.h"

#include "journal/journal.h"

/*
 * The session's definition, made anew when something in it has changed.
 * Memory: lives until the next call.  Errors: out of memory; catalog errors.
 */
extern const PhigDefinition *phig_session_definition(void);

/* What server events carry instead: process, session and server version. */
extern const PhigDefinition *phig_session_of_server(void);

extern void phig_session_init(void);

/* Does what the client is sent stay on this machine, or encrypted on its way? */
extern bool phig_session_is_private(void);

#endif
