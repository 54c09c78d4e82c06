import { useState } from 'react';
import { coffees, type Coffee } from './coffees';

function Card({ coffee, count, onAdd }: { coffee: Coffee; count: number; onAdd: () => void }) {
  return (
    <li className="card">
      <span className="bean" style={{ background: coffee.colour }} aria-hidden="true" />
      <h3>{coffee.name}</h3>
      <p>{coffee.notes}</p>
      <footer>
        <strong>{coffee.price.toFixed(2)} €</strong>
        <button type="button" onClick={onAdd}>{count > 0 ? `In the bag: ${count}` : 'Add to bag'}</button>
      </footer>
    </li>
  );
}

export default function App() {
  const [bag, setBag] = useState<Record<string, number>>({});
  const total = coffees.reduce((sum, { id, price }) => sum + price * (bag[id] ?? 0), 0);

  return (
    <>
      <header className="hero">
        <p className="eyebrow">Roasted on Thursdays</p>
        <h1>Harbour Coffee</h1>
        <p>Three beans, a small roaster and a view of the boats.</p>
      </header>
      <main>
        <h2>This week</h2>
        <ul className="cards">
          {coffees.map((coffee) => (
            <Card
              key={coffee.id}
              coffee={coffee}
              count={bag[coffee.id] ?? 0}
              onAdd={() => setBag({ ...bag, [coffee.id]: (bag[coffee.id] ?? 0) + 1 })}
            />
          ))}
        </ul>
        <p className="total" role="status">
          {total > 0 ? `In your bag: ${total.toFixed(2)} €` : 'Your bag is empty.'}
        </p>
      </main>
    </>
  );
}
