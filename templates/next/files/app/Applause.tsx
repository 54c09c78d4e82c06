'use client';

import { useState } from 'react';

export default function Applause() {
  const [claps, setClaps] = useState(0);

  return (
    <button onClick={() => setClaps(claps + 1)}>
      {claps === 0 ? 'Clap' : claps === 1 ? 'One clap' : `${claps} claps`}
    </button>
  );
}
