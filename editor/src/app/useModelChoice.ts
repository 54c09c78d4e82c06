import { useState } from "react";
import { useModels } from "../api/queries";
import type { Model } from "../api/types";
import { isString, recall, remember } from "./storage";

const KEY = "model";

const chosenId = () => recall(KEY, isString);

const idAmong = (models: readonly Model[], chosen: string | null) =>
  models.find(({ id }) => id === chosen)?.id;

/** The model that was chosen, while it is on offer; undefined: the default. */
export const chosenModel = (models: readonly Model[]): string | undefined =>
  idAmong(models, chosenId());

/** Which model answers: chosen on the home page or in a conversation, for both. */
export function useModelChoice() {
  const models = useModels().data?.items ?? [];
  const [chosen, setChosen] = useState(chosenId);
  return {
    models,
    /** Undefined: the default, which is the first. */
    model: idAmong(models, chosen),
    choose: (id: string) => {
      remember(KEY, id);
      setChosen(id);
    },
  };
}

export type ModelChoice = ReturnType<typeof useModelChoice>;
