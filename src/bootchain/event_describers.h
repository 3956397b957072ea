#pragma once

#include "bootchain/event_description.h"

// The parts that describe_event_data() is made of, by the form of the data. Each fails, with the offset in the data,
// where the data have another form.
namespace slipway::bootchain {

using Description = Result<EventDescription>;

// UEFI_VARIABLE_DATA. `authority`: its value is one signature, not a list.
Description describe_variable_event(ByteView data, bool authority);
// UEFI_GPT_DATA.
Description describe_partition_table(ByteView data);
// UEFI_IMAGE_LOAD_EVENT.
Description describe_image_load(ByteView data);
// UEFI_PLATFORM_FIRMWARE_BLOB, and the second form with a description in front.
Description describe_firmware_blob(ByteView data);
Description describe_firmware_blob2(ByteView data);
// UEFI_HANDOFF_TABLE_POINTERS, and the second form.
Description describe_handoff_tables(ByteView data);
Description describe_handoff_tables2(ByteView data);
// TCG_EfiSpecIDEvent, TCG_EfiStartupLocalityEvent, TCG_Sp800_155_PlatformId_Event and any other data that begin with a
// signature of 16 bytes.
Description describe_no_action(ByteView data);

}  // namespace slipway::bootchain
