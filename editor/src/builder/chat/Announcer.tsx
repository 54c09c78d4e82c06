import { t } from "../../strings";
import { useBuilder, useSelected, type Turn } from "../context";
import { isRunning } from "../conversation/progress";
import { failedStep } from "./stepText";

function words(turn: Turn): string {
  if (isRunning(turn)) {
    return t.chat.saysWorking;
  }
  if (turn.state === "cancelled") {
    return t.chat.saysStopped;
  }
  if (turn.state !== "done" || failedStep(turn)) {
    return t.chat.saysFailed;
  }
  return t.chat.saysDone(
    turn.version === null ? "" : t.common.version(turn.version),
  );
}

/** Tells screen readers when a turn begins and how it ends; the words between are theirs to read. */
export function Announcer() {
  const said = useSelected(useBuilder().conversation, (state) => {
    const last = state.turns.at(-1);
    return last && !state.loading ? words(last) : "";
  });
  return (
    <div role="status" className="visually-hidden">
      {said}
    </div>
  );
}
