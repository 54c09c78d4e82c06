import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { createAppFeed } from "./appFeed";
import type { FileRequest } from "./context";
import { createConversation } from "./conversation/conversation";
import { createPageLog } from "./preview/pageLog";
import { Value } from "./store";

/** The stores of one project, connected while the builder is shown. */
export function useStores(projectId: string) {
  const client = useQueryClient();
  const [stores] = useState(() => ({
    app: createAppFeed(projectId, client),
    conversation: createConversation(projectId, client),
    pageLog: createPageLog(),
    fileRequest: new Value<FileRequest | null>(null),
  }));
  useEffect(() => {
    const disconnect = [stores.app.connect(), stores.conversation.connect()];
    return () => disconnect.forEach((end) => end());
  }, [stores]);
  return stores;
}
