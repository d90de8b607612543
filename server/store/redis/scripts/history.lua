-- Index of the first seq in the list that is not below `before`.
local function lower_bound(list, before)
  local low, high = 0, redis.call('LLEN', list)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if tonumber(redis.call('LINDEX', list, middle)) < before then low = middle + 1 else high = middle end
  end
  return low
end

-- The events of these seqs (ascending). Near each other they are read in one go, far apart one by one.
local function events_at(log, seqs)
  local events = {}
  if #seqs == 0 then return events end
  local first, last = seqs[1], seqs[#seqs]
  if last - first < 20 * #seqs then
    local range = redis.call('LRANGE', log, first - 1, last - 1)
    for i, seq in ipairs(seqs) do events[i] = range[seq - first + 1] or false end
  else
    for i, seq in ipairs(seqs) do events[i] = redis.call('LINDEX', log, seq - 1) end
  end
  return events
end

-- {events, annotations, total, 1 when there are more}; `roles` holds their first letters.
local function history(key, before, limit, roles)
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
  table.sort(seqs)
  local newest = {}
  for i = math.max(1, #seqs - limit + 1), #seqs do newest[#newest + 1] = seqs[i] end
  local notes = #newest == 0 and {} or redis.call('HMGET', key .. ':notes', unpack(newest))
  return { events_at(key .. ':log', newest), notes, total, there > #newest and 1 or 0 }
end

-- 1 before ('' the end), 2 limit, 3 letters of the roles
register('history', function(keys, argv)
  return history(keys[1], tonumber(argv[1]), tonumber(argv[2]), argv[3])
end, { 'no-writes' })
