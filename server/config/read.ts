import type { Setting } from './kinds.ts';
import { SETTINGS, type SettingName, type Values } from './table.ts';

/** Every setting's value, which of them were set, and a line for each that could not be read. */
export interface ReadValues {
  readonly values: Values;
  readonly isSet: (name: SettingName) => boolean;
  /** Whether it was set to what it cannot be; it has its default then, which nobody meant. */
  readonly isFaulty: (name: SettingName) => boolean;
  readonly faults: string[];
}

/** Reads the environment by the table. An empty variable counts as unset. */
export function readValues(env: Readonly<Record<string, undefined | string>>): ReadValues {
  const values: Partial<Record<SettingName, unknown>> = {};
  const faults: string[] = [];
  const faulty = new Set<SettingName>();
  const isSet = (name: SettingName) => (env[name] ?? '') !== '';
  for (const [name, setting] of Object.entries(SETTINGS) as [SettingName, Setting<unknown>][]) {
    values[name] = setting.absent;
    if (!isSet(name)) continue;
    const read = setting.read(env[name] ?? '');
    if (read.ok) values[name] = read.value;
    else {
      faulty.add(name);
      faults.push(`${name} ${read.fault}`);
    }
  }
  return { values: values as Values, isSet, isFaulty: (name) => faulty.has(name), faults };
}
