import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { createAppFeed } from "./appFeed";
import { createConversation } from "./conversation/conversation";
import { createPageLog } from "./preview/pageLog";

/** The stores of one project, connected while the builder is shown. */
export function useStores(projectId: string) {
  const client = useQueryClient();
  const [stores] = useState(() => ({
    app: createAppFeed(projectId, client),
    conversation: createConversation(projectId, client),
    pageLog: createPageLog(),
  }));
  useEffect(() => {
    const disconnect = [stores.app.connect(), stores.conversation.connect()];
    return () => disconnect.forEach((end) => end());
  }, [stores]);
  return stores;
}
