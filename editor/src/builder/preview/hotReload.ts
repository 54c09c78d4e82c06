// Dev servers that put a change into the open page by themselves; others want it loaded again.
const DEV_SERVERS = [
  "@angular/build",
  "@angular/cli",
  "@remix-run/dev",
  "@sveltejs/kit",
  "@rsbuild/core",
  "astro",
  "browser-sync",
  "gatsby",
  "live-server",
  "next",
  "nuxt",
  "parcel",
  "react-scripts",
  "vite",
  "webpack-dev-server",
];

/** Whether the dev server of a project with this package.json (null: it has none) updates its pages. */
export function updatesItself(packageJson: string | null): boolean {
  if (packageJson === null) {
    return false; // plain files, which the image's static server sends
  }
  try {
    const manifest = JSON.parse(packageJson) as Record<string, unknown> | null;
    const names = [manifest?.dependencies, manifest?.devDependencies].flatMap(
      (list) => (typeof list === "object" && list ? Object.keys(list) : []),
    );
    return DEV_SERVERS.some((server) => names.includes(server));
  } catch {
    return true; // it does not run like that; nothing is lost by leaving the page alone
  }
}
