// Every word the editor shows, by the place that shows it. What takes a value is a function.

const plural = (n: number, one: string, many: string): string =>
  `${n} ${n === 1 ? one : many}`;

export const en = {
  common: {
    appName: "Slipway",
    cancel: "Cancel",
    close: "Close",
    copy: "Copy",
    copied: "Copied",
    copyFailed:
      "The browser did not allow copying. Select the text and copy it by hand.",
    delete: "Delete",
    loading: "Loading…",
    more: "More",
    open: "Open",
    retry: "Try again",
    save: "Save",
    search: "Search",
    undo: "Undo",
    files: (n: number) => plural(n, "file", "files"),
    version: (n: number) => `Version ${n}`,
    skipToContent: "Skip to content",
  },

  errors: {
    offline: "No connection to the server. Trying again…",
    timeout: "The server did not answer in time.",
    unknown: (status: number) =>
      `The server answered with an error (${status}).`,
    signedOut: "You have been signed out. Sign in to go on.",
    crashedTitle: "Something in this page broke",
    crashedText:
      "Nothing on the server is lost. Reload to go on; what you typed is kept in this browser.",
    reload: "Reload",
    requestId: (id: string) => `Request ${id}`,
    notFoundTitle: "There is nothing here",
    notFoundText: "The page or project does not exist, or is not yours.",
    goHome: "Back to your projects",
  },

  nav: {
    main: "Main",
    projects: "Projects",
    script: "Scratch",
    settings: "Settings",
    signOut: "Sign out",
    account: "Account",
    theme: "Theme",
    themeLight: "Light",
    themeDark: "Dark",
    themeSystem: "System",
  },

  signIn: {},
  home: {},
  settings: {},
  script: {},
  share: {},

  builder: {
    tabs: {
      chat: "Chat",
      preview: "Preview",
      code: "Code",
      terminal: "Terminal",
      logs: "Logs",
      versions: "Versions",
    },
    tabsLabel: "Views of the project",
    resizeChat: "Width of the chat",
    backHome: "All projects",
    rename: "Rename project",
    nameLabel: "Project name",
  },

  chat: {},
  preview: {},
  code: {},
  terminal: {},
  logs: {},
  versions: {},

  app: {
    // What the project's app does, in a word or two (docs/API.md, "The status").
    stopped: "Stopped",
    waiting: "Waiting for a place",
    preparing: "Preparing",
    installing: "Installing packages",
    starting: "Starting",
    running: "Running",
    crashed: "Crashed",
    exited: "Ended",
    failed: "Failed",
  },
};
