export interface Coffee {
  id: string;
  name: string;
  notes: string;
  price: number;
  colour: string;
}

export const coffees: Coffee[] = [
  { id: 'quay', name: 'Quay', notes: 'Dark chocolate, roasted almond', price: 9.5, colour: '#5b3a29' },
  { id: 'lighthouse', name: 'Lighthouse', notes: 'Apricot, honey, jasmine', price: 12, colour: '#b9772e' },
  { id: 'night-ferry', name: 'Night Ferry', notes: 'Decaf, plum, brown sugar', price: 10.5, colour: '#7b4b4b' },
];
