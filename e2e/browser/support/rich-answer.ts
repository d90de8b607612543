/** An answer with every kind of block that the page knows. */
export const RICH_ANSWER = `# A kitchen garden in three months

Begin **small**: two beds are enough for a first year. *Later* you can add more, ~~but not now~~ when you know your soil.
A long URL such as <https://example.org/gardening/calendar/of/the/whole/year?month=november&zone=7b> must not push anything aside.

## What to do

1. Measure the ground
2. Mix the soil
   - two parts compost
   - one part sand
3. Sow \`radish\`, \`lettuce\` and \`peas\`

- [x] buy seeds
- [ ] build the beds

> Gardens are not made by singing "Oh, how beautiful," and sitting in the shade.

\`\`\`python
def litres(beds: int, mm: float) -> float:
    """What a week of rain brings to so many beds of one and a half square metres."""
    return beds * 1.5 * mm  # a line that is long enough to be wider than a telephone is, and so has to be scrolled
\`\`\`

| bed | crop | days to harvest | where it stood last year |
|-----|------|----------------:|:------------------------:|
| 1 | radish | 28 | nowhere |
| 2 | lettuce | 45 | beside the shed |

---

See [the calendar](https://example.org/calendar), [example.org/soil](https://example.org/soil), [your bank](https://bank.example@evil.example/),
[write to us](mailto:help@example.org) and ![a plan of the beds](https://example.org/plan.png).
`;
