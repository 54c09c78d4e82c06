import { useEffect, useState } from "react";

/** Whole seconds until `until` (Unix ms), 0 when it has passed. */
export function useCountdown(until: number | null): number {
  const [now, setNow] = useState(Date.now);
  const left = until === null ? 0 : Math.ceil((until - now) / 1000);
  useEffect(() => {
    if (until === null) {
      return;
    }
    const tick = () => setNow(Date.now());
    const timer = setInterval(tick, 250);
    return () => clearInterval(timer);
  }, [until]);
  return Math.max(0, left);
}
