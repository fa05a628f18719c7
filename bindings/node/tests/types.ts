// Compiled, not run: what the types promise.
import TIM = require('..');

export async function use(tim: TIM): Promise<string[]> {
  tim.on(TIM.EVENT.CONVERSATION_DELETED, ({ data }) => data.map((id) => id.length));
  const one: string = (await tim.deleteConversation('C2Cbob')).data.conversationID;
  const some = await tim.deleteConversation({ conversationIDList: [one], clearHistoryMessage: false });
  const code: number = some.data.failureList[0].code;
  // @ts-expect-error: there is no such form
  await tim.deleteConversation(code);
  return some.data.conversationIDList;
}
