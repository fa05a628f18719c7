'use strict';
// Through the package for Node.js: a promise for each call.
const TIM = require('../node');

const CALLS = 2000;
const ROUNDS = 10;
const prefix = process.argv.length > 2 ? 'no id ' : 'C2Cu';

async function main() {
  const { ADIEU_APP_ID, ADIEU_STORE, ADIEU_USER, ADIEU_USER_SIG } = process.env;
  const tim = TIM.create({ SDKAppID: Number(ADIEU_APP_ID), storePath: ADIEU_STORE });
  await tim.login({ userID: ADIEU_USER, userSig: ADIEU_USER_SIG });
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const begun = process.hrtime.bigint();
    const calls = new Array(CALLS);
    for (let i = 0; i < CALLS; i++) calls[i] = tim.deleteConversation(prefix + i).catch(() => {});
    await Promise.all(calls);
    best = Math.min(best, Number(process.hrtime.bigint() - begun) / CALLS);
  }
  console.log(best.toFixed(0));
  await tim.logout();
}

main();
