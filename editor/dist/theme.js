// Before the first paint, so that no page flashes in the other theme (see src/app/theme.ts).
(function () {
  try {
    var theme = localStorage.getItem("slipway.theme");
    if (theme === "light" || theme === "dark")
      document.documentElement.dataset.theme = theme;
  } catch {
    // No storage: the system's theme it is.
  }
})();
