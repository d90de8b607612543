-- The hot path: one read, the checks, then one write a key that changes.
-- The tail of ARGV is field-value pairs of the hash, ids and cells among them, so that it is written as it came.

local FIXED = 13

-- 1 node, 2 now, 3 epoch, 4 expected seq, 5-7 how many events, ids, cells,
-- 8 chunk buffer to drop ('' none), 9 its count, 10 fence that must be held ('' none),
-- 11 fields to remove: any of 'a'larm, 'l'ease, 12 title if it has none ('' none), 13 how many annotations
-- then events, id pairs, cell pairs, other pairs, annotation pairs
register('append', function(keys, argv)
  local key = keys[1]
  local node, now, expected = argv[1], argv[2], tonumber(argv[4])
  local n_events, n_ids, n_cells = tonumber(argv[5]), tonumber(argv[6]), tonumber(argv[7])
  local first_pair = FIXED + n_events + 1
  local last_pair = #argv - 2 * tonumber(argv[13])

  local want = {
    'epoch', 'seq', 'archived', 'bytes', 'nodes', 'owner', 'lease', 'chunk', 'cells', 'alarm', 'title', 'ranked',
  }
  local fixed = #want
  for i = 1, n_ids do want[fixed + i] = argv[first_pair + 2 * (i - 1)] end
  local m = redis.call('HMGET', key, unpack(want))

  if not m[1] or m[3] then return { 'gone' } end
  local seq = tonumber(m[2])
  local first = argv[FIXED + 1]
  if m[1] ~= argv[3] then return { 'conflict', m[1], m[2] } end
  if seq ~= expected then
    if seq < expected then return { 'conflict', m[1], m[2] } end
    local missed = redis.call('LRANGE', key .. ':log', expected, expected + 999)
    -- The tag is random: an event that has it was stored by an earlier send of this request.
    if missed[1] and tag_of(missed[1]) == tag_of(first) then return 'applied' end
    return { 'conflict', m[1], m[2], missed }
  end
  local known
  for i = 1, n_ids do
    if m[fixed + i] then
      known = known or { 'known' }
      known[#known + 1] = want[fixed + i]
      known[#known + 1] = m[fixed + i]
    end
  end
  if known then return known end
  local drop = argv[8] ~= ''
  if drop then
    local holds = m[8] and redis.call('LLEN', key .. ':chunks') or 0
    if holds ~= tonumber(argv[9]) or (m[8] and m[8] ~= argv[8]) then
      return { 'chunk_conflict', chunk_buffer(key, 0) }
    end
    drop = m[8]
  end
  if argv[10] ~= '' and m[7] ~= argv[10] then return { 'fenced' } end

  -- Nothing was written so far, and nothing is refused from here on.
  local bytes = tonumber(m[4])
  local by_role
  local tag
  for i = FIXED + 1, FIXED + n_events do
    local event = argv[i]
    local cut = string.find(event, ' ', 1, true)
    bytes = bytes + #event - cut
    tag = cut
    local role = ROLES[string.byte(event, 1)]
    if role then
      by_role = by_role or {}
      local seqs = by_role[role] or {}
      by_role[role] = seqs
      seqs[#seqs + 1] = seq + i - FIXED
    end
  end
  tag = string.sub(argv[FIXED + n_events], 2, tag - 1)

  each_thousand('RPUSH', key .. ':log', argv, FIXED + 1, FIXED + n_events)
  local set = { 'seq', seq + n_events, 'tag', tag, 'updated', now, 'bytes', bytes }
  local n = 8
  for i = first_pair, last_pair do
    n = n + 1
    set[n] = argv[i]
  end
  if by_role then
    for role, seqs in pairs(by_role) do
      set[n + 1], set[n + 2] = role, redis.call('RPUSH', key .. ':' .. role, unpack(seqs))
      n = n + 2
    end
  end
  if n_cells > 0 then
    local names = m[9] or '\n'
    for i = first_pair + 2 * n_ids, first_pair + 2 * (n_ids + n_cells) - 1, 2 do
      local line = string.sub(argv[i], 3) .. '\n'
      if not string.find(names, '\n' .. line, 1, true) then names = names .. line end
    end
    if names ~= m[9] then
      set[n + 1], set[n + 2] = 'cells', names
      n = n + 2
    end
  end
  if argv[12] ~= '' and not m[11] then
    set[n + 1], set[n + 2] = 'title', argv[12]
    n = n + 2
  end
  -- The subject's list is kept up to date within RANK_MS: whoever reads it looks that much further.
  local ranked = tonumber(m[12])
  local rank = tonumber(now) - ranked >= RANK_MS or tonumber(now) < ranked
  if rank then
    set[n + 1], set[n + 2] = 'ranked', now
    n = n + 2
  end
  each_thousand('HSET', key, set, 1, n)
  if argv[11] ~= '' then
    if string.find(argv[11], 'a', 1, true) then redis.call('HDEL', key, 'alarm') end
    if string.find(argv[11], 'l', 1, true) then redis.call('HDEL', key, 'lease', 'until', 'owner') end
  end
  if last_pair < #argv then each_thousand('HSET', key .. ':notes', argv, last_pair + 1, #argv) end
  if drop then
    redis.call('UNLINK', key .. ':chunks')
    redis.call('HDEL', key, 'chunk', 'chunk_run')
  end
  if (m[5] and m[5] ~= '' and m[5] ~= node .. '\n') or (m[6] and m[6] ~= node) then
    local parts = {}
    for i = 1, n_events do parts[i] = json_of(argv[FIXED + i]) end
    local header = table.concat({ 'events', session_of(key), m[1], string.format('%.0f', seq + 1) }, '\n')
    publish(key, m[5], m[6], node, header, parts)
  end
  -- What the indexes outside this slot need: the alarm that was, and whose list to move it in.
  if rank then return { 'applied', m[10], redis.call('HGET', key, 'scope') } end
  if m[10] then return { 'applied', m[10] } end
  return 'applied'
end)
