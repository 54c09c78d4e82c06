// tests/run has two suites at once, its lanes: each draws from a half of its own where a number taken twice
// would make one fail.
export const testLane = (byte) => (byte & 127) | (process.env.SLIPWAY_TEST_LANE === '1' ? 128 : 0);
