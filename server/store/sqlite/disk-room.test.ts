import { describe, expect, test } from 'vitest';
import { roomFor } from './disk-room.ts';

const RESERVE = 1000;

describe('room for ordinary writes', () => {
  test('STO-157 on a disk with plenty left is a whole reserve, and the database may grow', () => {
    expect(roomFor({ free: 1500, reusable: 0 }, RESERVE)).toEqual({ bytes: 1000, mayGrow: true });
    expect(roomFor({ free: 9_000_000, reusable: 9 }, RESERVE)).toEqual({ bytes: 1000, mayGrow: true });
  });

  test('STO-157 on a full disk is what was erased from the database, which then stays as large as it is', () => {
    expect(roomFor({ free: 1499, reusable: 250 }, RESERVE)).toEqual({ bytes: 1000, mayGrow: false });
    expect(roomFor({ free: 1000, reusable: 9000 }, RESERVE)).toEqual({ bytes: 750, mayGrow: false });
    expect(roomFor({ free: 750, reusable: 9000 }, RESERVE)).toEqual({ bytes: 500, mayGrow: false });
  });

  test('STO-157 is nowhere while nothing was erased, or less than half of the reserve is left', () => {
    expect(roomFor({ free: 1499, reusable: 249 }, RESERVE)).toBeUndefined();
    expect(roomFor({ free: 749, reusable: 9000 }, RESERVE)).toBeUndefined();
    expect(roomFor({ free: 0, reusable: 0 }, RESERVE)).toBeUndefined();
  });
});
