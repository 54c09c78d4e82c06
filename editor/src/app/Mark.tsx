/** The product's mark, as in public/icon.svg. */
export function Mark({ size = 26 }: { size?: number }) {
  return (
    <svg viewBox="0 0 32 32" width={size} height={size} aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="#3b5bdb" />
      <path d="M6 21.5 20.5 10l5.5 1.5-3 4.5L9.5 24.5Z" fill="#fff" />
      <path
        d="M6 26h20"
        stroke="#fff"
        strokeWidth="2"
        strokeLinecap="round"
        opacity=".7"
      />
    </svg>
  );
}
