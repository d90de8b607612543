-- Index of the first seq in the list that is not below `before`.
local function lower_bound(list, before)
  local low, high = 0, redis.call('LLEN', list)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if tonumber(redis.call('LINDEX', list, middle)) < before then low = middle + 1 else high = middle end
  end
  return low
end

-- {events, annotations, total, 1 when there are more}, newest first; `roles` holds their first letters. The page ends
-- before the message with which its events and annotations would be more than `max_bytes`, but not before the first.
local function history(key, before, limit, roles, max_bytes)
  local seqs, total, there = {}, 0, 0
  for letter, role in pairs(ROLES) do
    if string.find(roles, string.char(letter), 1, true) then
      local list = key .. role
      local length = redis.call('LLEN', list)
      local upto = before and lower_bound(list, before) or length
      total, there = total + length, there + upto
      if upto > 0 and limit > 0 then
        for _, seq in ipairs(redis.call('LRANGE', list, math.max(0, upto - limit), upto - 1)) do
          seqs[#seqs + 1] = tonumber(seq)
        end
      end
    end
  end
  table.sort(seqs, function(a, b) return a > b end)
  -- One by one: between two messages there may be any number of other events, of any size.
  local log, notes_key = key .. ':log', key .. ':notes'
  local events, notes, bytes = {}, {}, 0
  for i = 1, math.min(limit, #seqs) do
    local event = redis.call('LINDEX', log, seqs[i] - 1)
    local note = redis.call('HGET', notes_key, seqs[i])
    bytes = bytes + (event and bytes_of(event) or 0) + (note and #note or 0)
    if bytes > max_bytes and i > 1 then break end
    events[i], notes[i] = event, note
  end
  return { events, notes, total, there > #events and 1 or 0 }
end

-- 1 before ('' the end), 2 limit, 3 letters of the roles, 4 most bytes
register('history', function(keys, argv)
  return history(keys[1], tonumber(argv[1]), tonumber(argv[2]), argv[3], tonumber(argv[4]))
end, { 'no-writes' })
