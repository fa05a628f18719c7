/* Writing JSON strings. */
#ifndef JSON_H
#define JSON_H

#include <stdio.h>

void json_string(FILE *out, const char *text);

#endif
