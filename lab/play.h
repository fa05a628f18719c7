/* One call by chance, with arguments by chance. */
#ifndef PLAY_H
#define PLAY_H

#include "life.h"

/* Makes it, on this thread, and says whether it was taken. It may be refused only where the life is
 * closing. */
int play(struct life *life, struct chance *chance);

/* Makes one with the handle of a life that is over: it has to be refused. */
void play_stale(struct life *life, struct chance *chance);

#endif
