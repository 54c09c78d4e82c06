import { openUrl } from "../preview/address";

const LOCAL = ["localhost", "127.0.0.1", "0.0.0.0", "[::1]", "[::]"];

/**
 * Where an address that a program printed leads: its own localhost is not this computer's, but the
 * preview. null for what is no web address.
 */
export function linkOf(
  printed: string,
  slug: string,
  mainPort: number | null,
): string | null {
  let url: URL;
  try {
    url = new URL(printed);
  } catch {
    return null;
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return null;
  }
  if (!LOCAL.includes(url.hostname)) {
    return url.href;
  }
  const port = Number(url.port) || 80;
  return openUrl(
    port === mainPort ? slug : `${port}--${slug}`,
    url.pathname + url.search,
  );
}
