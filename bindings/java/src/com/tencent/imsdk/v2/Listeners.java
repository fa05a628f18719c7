package com.tencent.imsdk.v2;

import adieu.jni.Native;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/** Whoever listens. */
final class Listeners {
  final List<V2TIMSDKListener> sdk = new CopyOnWriteArrayList<>();
  final List<V2TIMConversationListener> conversations = new CopyOnWriteArrayList<>();

  void hear(int kind, int syncState, String id, Native.Conversation it, long unread, int code, String desc) {
    switch (kind) {
      case 1: // ADIEU_EVENT_CONVERSATION_NEW
        tell(conversations, listener -> listener.onNewConversation(one(it)));
        return;
      case 2: // ADIEU_EVENT_CONVERSATION_CHANGED
        tell(conversations, listener -> listener.onConversationChanged(one(it)));
        return;
      case 3: // ADIEU_EVENT_CONVERSATION_DELETED
        tell(conversations, listener -> listener.onConversationDeleted(Collections.singletonList(id)));
        return;
      case 5: // ADIEU_EVENT_SIGN_IN_NEEDED
        tell(sdk, V2TIMSDKListener::onUserSigExpired);
        return;
      case 6: // ADIEU_EVENT_SYNC_CHANGED
        hearSync(syncState, Outcome.number(code), desc);
        return;
      case 7: // ADIEU_EVENT_TOTAL_UNREAD_CHANGED
        tell(conversations, listener -> listener.onTotalUnreadMessageCountChanged(unread));
        return;
      default: // pending deletions: the vendor has no word for them
    }
  }

  private void hearSync(int state, int code, String desc) {
    switch (state) {
      case 1: // ADIEU_SYNC_STARTED
        tell(sdk, V2TIMSDKListener::onConnecting);
        tell(conversations, V2TIMConversationListener::onSyncServerStart);
        return;
      case 2: // ADIEU_SYNC_FINISHED
        tell(sdk, V2TIMSDKListener::onConnectSuccess);
        tell(conversations, V2TIMConversationListener::onSyncServerFinish);
        return;
      default:
        tell(sdk, listener -> listener.onConnectFailed(code, desc));
        tell(conversations, V2TIMConversationListener::onSyncServerFailed);
    }
  }

  private static List<V2TIMConversation> one(Native.Conversation it) {
    return Collections.singletonList(new V2TIMConversation(it));
  }

  private static <L> void tell(List<L> listeners, Consumer<L> told) {
    for (L listener : listeners) Outcome.contain(() -> told.accept(listener));
  }
}
