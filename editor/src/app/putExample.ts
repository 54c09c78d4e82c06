import { t } from "../strings";
import { toast } from "../ui";

/** Puts an example in the place of what is there; what somebody wrote there can be had back. */
export function putExample<T>(options: {
  example: T;
  before: T;
  isOwn: boolean;
  set: (value: T) => void;
}): void {
  const { example, before, isOwn, set } = options;
  set(example);
  if (isOwn) {
    toast({
      text: t.common.replaced,
      action: { text: t.common.undo, run: () => set(before) },
    });
  }
}

/** Whether it is somebody's own words, and not nothing or an example as it is. */
export const isOwnText = (text: string, examples: readonly string[]): boolean =>
  text.trim() !== "" && !examples.includes(text);
