import { absoluteTime, relativeTime } from "./relativeTime";
import { useMinute } from "./useMinute";

/** How long ago; the time itself on hover. */
export function When({ time }: { time: string }) {
  useMinute();
  return (
    <time dateTime={time} title={absoluteTime(time)}>
      {relativeTime(time)}
    </time>
  );
}
