#include "json.h"

void json_string(FILE *out, const char *text) {
  const unsigned char *at;

  putc('"', out);
  for (at = (const unsigned char *)text; *at != '\0'; at++) {
    if (*at == '"' || *at == '\\')
      fprintf(out, "\\%c", *at);
    else if (*at < 0x20)
      fprintf(out, "\\u%04x", *at);
    else
      putc(*at, out);
  }
  putc('"', out);
}
