import { absoluteTime, relativeTime } from "./relativeTime";

/** How long ago; the time itself on hover. */
export function When({ time }: { time: string }) {
  return (
    <time dateTime={time} title={absoluteTime(time)}>
      {relativeTime(time)}
    </time>
  );
}
