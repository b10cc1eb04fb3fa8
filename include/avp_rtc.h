/* avp_rtc.h: Apple's microsecond clock. Wire 0 is its interrupt; no conf.arg.
 * Window 0: 4 KiB. spec/vmapple.md section 1.9. */
#ifndef POME_AVP_RTC_H
#define POME_AVP_RTC_H

#include "device.h"

extern const struct device_ops avp_rtc_ops;

#endif
