'use strict';
// Deletes one conversation for good.
//
//   ADIEU_USER_SIG=... node delete_conversation.js STORE USER SERVER APP_ID CONVERSATION
const TIM = require('..');

async function main([storePath, userID, serverURL, appID, conversationID]) {
  const tim = TIM.create({ SDKAppID: Number(appID), serverURL, storePath });
  await tim.login({ userID, userSig: process.env.ADIEU_USER_SIG });
  const { data } = await tim.deleteConversation(conversationID);
  console.log(`${data.conversationID}: deleted for good`);
  await tim.logout();
}

main(process.argv.slice(2)).catch((error) => {
  console.error(`${error.code}: ${error.message}`);
  process.exit(1);
});
