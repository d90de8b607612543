-- 1 scope ('' any), 2 now, 3 '1' to open what has run out, 4 epoch of the position ('' none), 5 its seq, 6 its tag ('' none),
-- 7 most events to replay, 8 messages of a snapshot, 9 buffer that is held ('' none), 10 next index of it,
-- 11 most bytes of what is replayed or of the snapshot's messages, 12 connection to attach ('' none), 13 its node, 14 its policy
register('open', function(keys, argv)
  local key = keys[1]
  local log = key .. ':log'
  local m = record(key)
  if not m[AT.epoch] then return { 'missing' } end
  if argv[1] ~= '' and argv[1] ~= m[AT.scope] then return { 'missing' } end
  if m[AT.archived] then return { 'expired', answer(key, m) } end
  local now = tonumber(argv[2])
  local list = attachments(m[AT.attached])
  if argv[3] ~= '1' and is_expired(m, list, now) then return { 'expired', answer(key, m) } end

  -- An event's index is its seq, so a hole shows in the length.
  local seq = tonumber(m[AT.seq])
  local length = redis.call('LLEN', log)
  if length ~= seq then
    return { 'fault', answer(key, m), string.format('the head is %.0f and the log holds %.0f events', seq, length) }
  end
  if seq > 0 and tag_of(redis.call('LINDEX', log, -1)) ~= m[AT.tag] then
    return { 'fault', answer(key, m), 'the tag of the head is not that of the last event' }
  end

  local position, at = 'none', tonumber(argv[5])
  if argv[4] ~= '' then
    position = 'reset'
    if argv[4] == m[AT.epoch] and at <= seq
      and (at == 0 or argv[6] == '' or tag_of(redis.call('LINDEX', log, at - 1)) == argv[6]) then
      position = 'valid'
    end
  end
  local replay, page = false, false
  if position == 'valid' and seq - at <= tonumber(argv[7]) then
    replay = at < seq and events_from(log, at, seq - at, tonumber(argv[11]))[1] or {}
  else
    page = history(key, nil, tonumber(argv[8]), 'uas', tonumber(argv[11]))
  end

  local names = {}
  for name in string.gmatch(m[AT.cells] or '', '([^\n]+)') do names[#names + 1] = 'c:' .. name end
  local cells = #names == 0 and {} or redis.call('HMGET', key, unpack(names))

  local chunks = false
  if m[AT.chunk] then
    local from = m[AT.chunk] == argv[9] and tonumber(argv[10]) or 0
    if from > redis.call('LLEN', key .. ':chunks') then from = 0 end
    chunks = chunk_buffer(key, from)
  end

  if argv[12] ~= '' then attach(key, m, list, argv[12], argv[13], argv[14], now) end
  return { 'open', answer(key, m), names, cells, position, replay, page, chunks }
end, { 'allow-oom' })
