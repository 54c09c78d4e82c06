import { useState } from "react";
import { useModels } from "../api/queries";
import { isString, recall, remember } from "./storage";

const KEY = "model";

/** Which model answers: chosen on the home page or in a conversation, for both. */
export function useModelChoice() {
  const models = useModels().data?.items ?? [];
  const [chosen, setChosen] = useState(() => recall(KEY, isString));
  return {
    models,
    /** Undefined: the default, which is the first. */
    model: models.find(({ id }) => id === chosen)?.id,
    choose: (id: string) => {
      remember(KEY, id);
      setChosen(id);
    },
  };
}

export type ModelChoice = ReturnType<typeof useModelChoice>;
