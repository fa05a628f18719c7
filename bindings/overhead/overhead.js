'use strict';
// Through the package for Node.js, a promise for each call: reads a kind and a number of calls, and
// prints nanoseconds per call.
const { createInterface } = require('node:readline');
const TIM = require('../node');

async function main() {
  const { ADIEU_APP_ID, ADIEU_STORE, ADIEU_USER, ADIEU_USER_SIG } = process.env;
  const tim = TIM.create({ SDKAppID: Number(ADIEU_APP_ID), storePath: ADIEU_STORE });
  await tim.login({ userID: ADIEU_USER, userSig: ADIEU_USER_SIG });
  const ignore = () => {};
  for await (const line of createInterface({ input: process.stdin })) {
    const [kind, count] = line.split(' ');
    const isPinned = kind === 'pin';
    const ids = Array.from({ length: Number(count) }, (_, i) => (kind === 'refused' ? 'no id ' : 'C2Cu') + i);
    const calls = new Array(ids.length);
    const begun = process.hrtime.bigint();
    for (let i = 0; i < ids.length; i++) {
      const conversationID = ids[i];
      calls[i] = isPinned ? tim.pinConversation({ conversationID, isPinned }) : tim.deleteConversation(conversationID);
    }
    await Promise.all(calls.map((call) => call.catch(ignore)));
    console.log(Number(process.hrtime.bigint() - begun) / ids.length);
  }
  await tim.logout();
}

main();
